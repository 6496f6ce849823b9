/** Compares where a CNAME or SRV record points to with where it should, and knows what DNS editors add to a target. */
import { FINE, wrong, type Verdict } from './record-verdict.js';

/** The zones whose name an editor may have added: the domain's, and its parent's where it is a subdomain. */
export function zonesOf(domain: string): readonly string[] {
  const parent = domain.slice(domain.indexOf('.') + 1);
  return parent.includes('.') ? [domain, parent] : [domain];
}

/** @param elsewhere what to do where it points to somebody else */
export function judgeTarget(
  target: string,
  expected: string,
  domain: string,
  elsewhere = `it points elsewhere: let it point to ${expected}`,
): Verdict {
  const found = bareName(target);
  if (found === expected) return FINE;
  if (zonesOf(domain).some((zone) => found === `${expected}.${zone}`)) {
    return wrong(`the DNS editor added your domain to the target: enter it with a dot at its end, ${expected}.`);
  }
  return wrong(elsewhere);
}

/** @param expected and @param found are `priority weight port target` */
export function judgeServices(found: readonly string[], expected: string, domain: string): Verdict {
  const wanted = readService(expected);
  const services = found.map(readService);
  if (services.some((service) => service.port === wanted.port && service.target === wanted.target)) {
    return services.length === 1
      ? FINE
      : { ...FINE, todo: 'works; others stand there as well, and mail programs take the one of the lowest priority' };
  }
  const [first = wanted] = services;
  if (first.target === '.') return wrong('it says that there is no such service: replace it if there is to be one');
  if (first.target === wanted.target) return wrong(`it names the port ${first.port}: let it name ${wanted.port}`);
  return judgeTarget(first.target, wanted.target, domain, elsewhereIsFine(expected));
}

/** People may have their mail at this domain with somebody else; nobody is to break that for our reports. */
export function elsewhereIsFine(expected: string): string {
  return `it points elsewhere: leave it where mail programs of this domain are to go there, else let it be ${expected}`;
}

interface Service {
  readonly port: string;
  readonly target: string;
}

function readService(text: string): Service {
  const [, , port = '', target = ''] = text.split(' ');
  return { port, target: target === '.' ? target : bareName(target) };
}

function bareName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
