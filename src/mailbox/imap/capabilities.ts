/**
 * What the server says it can do. Programs use at once whatever is named here, so only what is whole is named: RFC 3501
 * and of its extensions those that mail programs need.
 */

/** RFC 7888, 2971, 2342, 3348, 6154, 4315, 6851, 3691, 2177, 4959. */
const ALWAYS = 'IMAP4rev1 LITERAL- SASL-IR ID NAMESPACE CHILDREN SPECIAL-USE UIDPLUS MOVE UNSELECT IDLE';

export function capabilities(state: { readonly secure: boolean; readonly loggedIn: boolean }): string {
  if (state.loggedIn) return ALWAYS;
  // RFC 3501 section 6.2.1: no password in the clear, nor a mechanism that would send one.
  return state.secure ? `${ALWAYS} AUTH=PLAIN` : `${ALWAYS} STARTTLS LOGINDISABLED`;
}
