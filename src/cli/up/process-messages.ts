/** What the supervisor and its child processes say to each other over the IPC channel. */
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { CertificateFiles } from '../../listeners/tls-certificate.js';

/**
 * What a child may take to drain. RFC 5321 section 4.5.3.2: what is on the wire may take 10 minutes to be answered; then
 * it is cut.
 */
export const DRAIN_WITHIN_MS = 11 * 60_000;

/**
 * `doors`: SMTP doors and HTTP API. `bounces`: what comes back, and what follows from it. `mailbox`: IMAP and POP3.
 * `worker`: delivery.
 */
export type ChildKind = 'doors' | 'bounces' | 'mailbox' | 'worker';

export type MetricsSnapshot = readonly MetricObjectWithValues<MetricValue<string>>[];

export interface StartOrder {
  readonly kind: 'start';
  readonly child: ChildKind;
  /** JSON of `Settings`. */
  readonly settings: string;
  readonly redisUrl: string;
  readonly certificate: CertificateFiles;
}

export type Order = StartOrder | { readonly kind: 'stop' } | { readonly kind: 'metrics'; readonly request: number };

export interface OpenListener {
  readonly name: string;
  readonly port: number;
}

export type Report =
  | { readonly kind: 'ready'; readonly listeners: readonly OpenListener[] }
  /** It cannot start, and trying again as it is would not help. */
  | { readonly kind: 'failed'; readonly fault: string }
  | { readonly kind: 'metrics'; readonly request: number; readonly metrics: MetricsSnapshot };
