/**
 * Every answer of the HTTP API that is no success, one row each: RFC 9457 (problem details). `code` is stable and for
 * programs, `detail` is for people and says what would be right. Refusals of the one way in keep their own rows.
 */
import { STATUS_CODES } from 'node:http';
import { refusal, type Refusal } from '../submission/refusals.js';

export interface InputFault {
  /** Where in the body: `attachments.0.content`; empty for the body itself. */
  readonly path: string;
  readonly message: string;
}

export interface Problem {
  readonly code: string;
  readonly status: number;
  readonly detail: string;
  /** What is wrong with the input, field by field. */
  readonly errors?: readonly InputFault[];
  readonly headers?: Readonly<Record<string, string>>;
}

interface Row {
  readonly status: number;
  /** `{}` takes the detail. */
  readonly text: string;
}

const ROWS = {
  malformed_request: { status: 400, text: 'The request cannot be read: {}' },
  malformed_json: { status: 400, text: 'The body cannot be read as JSON: {}' },
  authentication_required: { status: 401, text: 'Send an API key of this relay as "Authorization: Bearer KEY"' },
  bad_credentials: { status: 401, text: 'This API key is not known here: it is mistyped, or was taken away' },
  missing_scope: { status: 403, text: 'This API key lacks the scope {}' },
  not_found: { status: 404, text: '{}' },
  method_not_allowed: { status: 405, text: 'This path takes {}' },
  conflict: { status: 409, text: '{}' },
  request_timeout: { status: 408, text: 'The request did not arrive in time' },
  uri_too_long: { status: 414, text: 'The path is longer than any that exists here' },
  unsupported_media_type: { status: 415, text: 'Send the body as application/json, not compressed' },
  invalid_input: { status: 422, text: '{}' },
  too_many_domains: { status: 422, text: 'An account may have 10000 sending domains: remove one that is not used' },
  too_many_requests: { status: 429, text: '{}' },
  header_fields_too_large: { status: 431, text: 'The header fields of the request are too large' },
  internal_error: { status: 500, text: 'This is a fault of the relay; its log says more under this X-Request-Id' },
} as const satisfies Record<string, Row>;

export type ProblemCode = keyof typeof ROWS;

/** Faults shown of one body; who has more corrects these first. */
const ERRORS_MAX = 50;
/** Seconds after which a client may try again. */
const RETRY_AFTER_S: Readonly<Record<string, number>> = { queue_unavailable: 30, receiving_too_much: 5 };

/** The row `code`, with `detail` in its text. */
export function problem(code: ProblemCode, detail = ''): Problem {
  const { status, text }: Row = ROWS[code];
  return { code, status, detail: text.replace('{}', () => detail) };
}

/** What is wrong with a body, one fault a field. */
export function inputProblem(errors: readonly InputFault[]): Problem {
  const first = errors[0] ?? { path: '', message: 'the body is not what is taken here' };
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const detail = `${first.path === '' ? '' : `${first.path}: `}${first.message}${more}`;
  return { ...problem('invalid_input', detail), errors: errors.slice(0, ERRORS_MAX) };
}

/** A refusal of the one way in, as HTTP says it. */
export function problemOfRefusal({ cause, status, text, retryAfterS = RETRY_AFTER_S[cause] }: Refusal): Problem {
  const headers = retryAfterS === undefined ? undefined : { 'Retry-After': String(retryAfterS) };
  return { code: cause, status, detail: text, ...(headers && { headers }) };
}

/** Redis does not answer: come back. */
export function unavailable(): Problem {
  const text = 'The relay cannot reach its store at the moment, try again in a minute';
  return problemOfRefusal({ ...refusal('queue_unavailable'), text });
}

/** RFC 6750 section 3: what a client without rights is told to bring. */
export function authenticationProblem(code: 'authentication_required' | 'bad_credentials'): Problem {
  const error = code === 'bad_credentials' ? ', error="invalid_token"' : '';
  return { ...problem(code), headers: { 'WWW-Authenticate': `Bearer realm="posthorn"${error}` } };
}

export function missingScope(scope: string): Problem {
  const challenge = `Bearer realm="posthorn", error="insufficient_scope", scope="${scope}"`;
  return { ...problem('missing_scope', scope), headers: { 'WWW-Authenticate': challenge } };
}

/** The body of the answer. RFC 9457 section 4.2.1: `about:blank` says that the status is the type; `code` tells more. */
export function problemBody({ code, status, detail, errors }: Problem): Record<string, unknown> {
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
    ...(errors && { errors }),
  };
}

/** Thrown where Nest wants a throw, and answered by the filter. */
export class ProblemError extends Error {
  /** @param counted whether the metric of refused submissions has it already */
  constructor(
    readonly problem: Problem,
    readonly counted = false,
  ) {
    super(problem.detail);
  }
}
