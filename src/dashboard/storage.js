/**
 * What the browser keeps for the page. One that is set to keep nothing refuses, or has no storage: then it is kept until
 * the page is closed or reloaded.
 * @param {'localStorage' | 'sessionStorage'} name
 * @returns {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>}
 */
export function storage(name) {
  try {
    return window[name] ?? inThePage()
  } catch {
    return inThePage()
  }
}

/** @returns {ReturnType<typeof storage>} */
function inThePage() {
  /** @type {Map<string, string>} */
  const kept = new Map()
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  }
}
