/** A body as text; empty when there is none. k6 has octets for those who ask for them. */
export const textOf = (body: unknown): string => (typeof body === 'string' ? body : '')
