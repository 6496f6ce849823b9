/** Which methods a path takes, so that a wrong one hears so: RFC 9110 section 15.5.6. */

/** Learns the routes as Fastify registers them. */
export class RouteMethods {
  private readonly routes: { readonly segments: readonly string[]; readonly methods: readonly string[] }[] = [];

  /** @param pattern a path whose parameters begin with a colon: `/v1/domains/:name` */
  add(pattern: string, methods: readonly string[]): void {
    this.routes.push({ segments: pattern.split('/'), methods });
  }

  /** The methods that `path` takes, sorted; none where there is no such path. */
  of(path: string): string[] {
    const segments = path.split('/');
    const fitting = this.routes.filter((route) => fits(route.segments, segments));
    return [...new Set(fitting.flatMap(({ methods }) => methods))].sort();
  }
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false;
  return pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]));
}
