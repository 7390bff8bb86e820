/** Memoizes pure functions of a string, for strings that recur. */

/** Few and short enough that memory stays negligible under any traffic. */
const MOST = 64
const LONGEST = 256

/**
 * Remembers recent results, which are shared and so must be immutable. `undefined` is not remembered. Of long strings
 * only the last is, as one request may have the same field parsed several times.
 */
export function memoized<T>(compute: (text: string) => T): (text: string) => T {
  const results = new Map<string, T>()
  let long: { readonly text: string; readonly result: T } | undefined
  return (text) => {
    const known = results.get(text)
    if (known !== undefined) return known
    if (text.length > LONGEST && long?.text === text) return long.result
    const result = compute(text)
    if (result === undefined) return result
    if (text.length > LONGEST) {
      long = { text, result }
      return result
    }
    if (results.size >= MOST) results.clear()
    results.set(text, result)
    return result
  }
}
