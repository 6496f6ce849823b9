/** Gives doors the certificate that the files hold, whenever that changes. */
import type { Log } from '../telemetry/logger.js';
import { watchCertificate, type CertificateFiles, type TlsCertificate } from './tls-certificate.js';

interface CertifiedDoor {
  /** New connections see the new certificate; open ones go on. */
  replaceCertificate(certificate: TlsCertificate): void;
}

/** @param doors looked at each time, so that more may come. Returns how to stop. */
export function keepCertificate(files: CertificateFiles, doors: readonly CertifiedDoor[], log: Log): () => void {
  return watchCertificate(
    files,
    (fresh) => {
      for (const door of doors) door.replaceCertificate(fresh);
      log.info('tls.certificate_reloaded');
    },
    (fault) => {
      log.warn('tls.certificate_unusable', { fault });
    },
  );
}
