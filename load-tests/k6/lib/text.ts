/** A body as text; empty if there is none. k6 returns octets only on request. */
export const textOf = (body: unknown): string => (typeof body === 'string' ? body : '')
