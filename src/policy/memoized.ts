/** Results of pure functions of a text, for the texts that come again and again. */

/** So few, and no longer ones, that no traffic takes memory to speak of. */
const MOST = 64
const LONGEST = 256

/**
 * The same function, which does the work again only for what it was not asked of late. Its results are shared: they must
 * be immutable. What comes to nothing is not remembered; of what is long the last is, as one request has the same field
 * looked at in several steps.
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
