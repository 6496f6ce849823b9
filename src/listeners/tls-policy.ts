/**
 * What TLS the doors speak: Mozilla's intermediate configuration (wiki.mozilla.org/Security/Server_Side_TLS, 5.7), less
 * the DHE suites, which cost the server ten times an ECDHE handshake and which no client needs that speaks TLS 1.2 with
 * GCM or ChaCha20. RFC 8314 section 4.1, RFC 9325.
 */
import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';

const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
];

/** Session tickets live five minutes, OpenSSL's default: a client that comes back for its next mail resumes. */
const SESSION_LIFE_S = 300;

export const TLS_POLICY = {
  minVersion: 'TLSv1.2',
  ciphers: CIPHERS.join(':'),
  ecdhCurve: 'X25519:prime256v1:secp384r1',
  // All of them are good; the client knows which its processor does best.
  honorCipherOrder: false,
  // RFC 7457 section 2.6 (compression); renegotiation lets a client make the server work at no cost to itself.
  secureOptions: constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_NO_RENEGOTIATION,
  sessionTimeout: SESSION_LIFE_S,
} as const satisfies SecureContextOptions;
