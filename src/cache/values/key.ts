/** For callers in JavaScript: what is no text has no length, and the memory it takes could not be counted. */
export const noKey = (key: unknown): TypeError => new TypeError(`expected a string as key, got ${typeof key}`)
