/** The HTTP API as the commands use it: one request, one answer, and every failure as one line that says what to do. */
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { FIRST_CREDENTIALS_FILE, type FirstCredentials } from '../accounts/first-start.js';
import { formatFaults } from '../config/faults.js';
import { loadProcessSettings } from '../config/process-settings.js';
import type { Settings } from '../config/settings.js';
import { EXIT_FAILED, EXIT_USAGE } from './command-line.js';

/** The largest message takes a while over a slow line. */
const ANSWER_WITHIN_MS = 120_000;
/** What others wrote is shown up to here. */
const SHOWN_CHARACTERS_MAX = 300;
const ERRORS_SHOWN = 5;

/** What the API answers, and what a command leaves with where it does not. */
export type ApiResult<T> =
  | { readonly kind: 'ok'; readonly body: T }
  | { readonly kind: 'failed'; readonly why: string; readonly exitCode: number };

interface ProblemDetails {
  readonly detail: string;
  readonly code: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** The API that the settings name: POSTHORN_API_URL or this machine's, POSTHORN_API_KEY or the first credentials'. */
export async function openApi(): Promise<ApiResult<ApiClient>> {
  const loaded = loadProcessSettings();
  if (loaded.kind === 'faults') return failed(formatFaults(loaded.faults, loaded.warnings), EXIT_USAGE);
  const { settings } = loaded;
  const url = settings.apiUrl ?? ownUrl(settings);
  if (url === undefined)
    return failed('the HTTP API is off (POSTHORN_HTTP_PORT=0): name a relay in POSTHORN_API_URL', EXIT_USAGE);
  const key = settings.apiKey ?? (await firstKey(settings.dataDir));
  if (key === undefined) {
    const file = join(settings.dataDir, FIRST_CREDENTIALS_FILE);
    return failed(`there is no API key: set POSTHORN_API_KEY (${file} holds none, ./posthorn up makes it)`, EXIT_USAGE);
  }
  return { kind: 'ok', body: new ApiClient(url, key) };
}

export class ApiClient {
  constructor(
    private readonly url: string,
    private readonly key: string,
  ) {}

  /** @param path below the base of the API, its parts percent-encoded */
  async request<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<ApiResult<T>> {
    let status: number;
    let text: string;
    try {
      const response = await fetch(`${this.url}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${this.key}`,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        // An answer from elsewhere is not the relay's, and the key is not for there.
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      return failed(this.unreachable(error as Error), EXIT_FAILED);
    }
    const answer = parsed(text);
    if (status < 300) return { kind: 'ok', body: answer as T };
    return failed(`${status}: ${isProblem(answer) ? problemLine(answer) : shown(text)}`, EXIT_FAILED);
  }

  private unreachable(error: Error): string {
    const cause = error.cause as { code?: string; message?: string } | undefined;
    if (error.name === 'TimeoutError') return `the relay at ${this.url} did not answer in time`;
    const why = cause?.code ?? cause?.message ?? error.message;
    return `no relay answers at ${this.url} (${why}): start it with ./posthorn up, or name another in POSTHORN_API_URL`;
  }
}

/** Writes why something failed, as the command `name`, and gives the exit code back. */
export function complain(name: string, { why, exitCode }: { readonly why: string; readonly exitCode: number }): number {
  // Faults of the settings come with a heading of their own.
  process.stderr.write(why.startsWith('posthorn: ') ? `${why}\n` : `posthorn ${name}: ${why}\n`);
  return exitCode;
}

function ownUrl({ httpPort, listen }: Settings): string | undefined {
  if (httpPort === 0) return undefined;
  const isEveryAddress = listen === '0.0.0.0' || listen === '::';
  const host = isEveryAddress ? '127.0.0.1' : isIPv6(listen) ? `[${listen}]` : listen;
  return `http://${host}:${httpPort}`;
}

async function firstKey(dataDir: string): Promise<string | undefined> {
  try {
    const first = JSON.parse(
      await readFile(join(dataDir, FIRST_CREDENTIALS_FILE), 'utf8'),
    ) as Partial<FirstCredentials>;
    return typeof first.apiKey === 'string' ? first.apiKey : undefined;
  } catch {
    return undefined;
  }
}

function problemLine({ detail, errors = [] }: ProblemDetails): string {
  if (errors.length < 2) return shown(detail);
  const lines = errors
    .slice(0, ERRORS_SHOWN)
    .map(({ path, message }) => shown(path === '' ? message : `${path}: ${message}`));
  const more = errors.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

function isProblem(answer: unknown): answer is ProblemDetails {
  return typeof answer === 'object' && answer !== null && 'detail' in answer && typeof answer.detail === 'string';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** One line, fit for a terminal. */
export function shown(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ').slice(0, SHOWN_CHARACTERS_MAX);
}

function failed(
  why: string,
  exitCode: number,
): { readonly kind: 'failed'; readonly why: string; readonly exitCode: number } {
  return { kind: 'failed', why, exitCode };
}
