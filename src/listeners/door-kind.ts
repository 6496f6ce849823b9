/** What kinds of SMTP doors there are. */

/**
 * `starttls`: AUTH only after STARTTLS. `implicit`: TLS from the first byte. `trusted`: neither TLS nor AUTH. `intake`: for
 * mail servers, STARTTLS where they want it and no AUTH.
 */
export type SmtpDoorKind = 'starttls' | 'implicit' | 'trusted' | 'intake';
