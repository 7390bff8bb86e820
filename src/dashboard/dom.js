/** Building the page. */

/**
 * Makes an element with these properties and children.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, unknown>} [properties] set as properties; those with a dash, and role, as attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes('-') || key === 'role') made.setAttribute(key, String(value))
    else Reflect.set(made, key, value)
  }
  made.append(...children)
  return made
}

/**
 * The element of the page with this id.
 * @template {HTMLElement} [Kind=HTMLElement]
 * @param {string} id
 * @param {new () => Kind} [kind]
 * @returns {Kind}
 */
export function byId(id, kind) {
  const found = document.getElementById(id)
  if (found === null || (kind !== undefined && !(found instanceof kind))) throw new Error(`the page lacks #${id}`)
  return /** @type {Kind} */ (found)
}

/** Sets the text, but only when it changes. @param {HTMLElement} at @param {string} text */
export function say(at, text) {
  if (at.textContent !== text) at.textContent = text
}

/**
 * Renders rows by key: those that stay are updated in place, so that nothing flickers and the focus is kept.
 * @template Row
 * @param {HTMLElement} parent
 * @param {readonly Row[]} rows
 * @param {(row: Row) => string} keyOf
 * @param {(row: Row) => HTMLElement & { update?: (row: Row) => void }} make
 */
export function keyed(parent, rows, keyOf, make) {
  const present = new Map(
    [...parent.children].map((child) => [/** @type {HTMLElement} */ (child).dataset['key'], child]),
  )
  rows.forEach((row, at) => {
    const key = keyOf(row)
    const kept = /** @type {ReturnType<typeof make> | undefined} */ (present.get(key))
    const child = kept ?? make(row)
    child.dataset['key'] = key
    child.update?.(row)
    present.delete(key)
    if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] ?? null)
  })
  for (const gone of present.values()) gone.remove()
}
