/** Light, dark, or the system's theme; and the style sheet's colours, for drawing on a canvas. */
import { storage } from './storage.js'

const STORAGE_KEY = 'herdgate-theme'
const browser = storage('localStorage')
const dark = matchMedia('(prefers-color-scheme: dark)')

/** @type {Map<string, string>} */
const resolved = new Map()
/** @type {Set<() => void>} */
const listeners = new Set()

/** @param {HTMLSelectElement} select */
export function themeSelect(select) {
  select.value = browser.getItem(STORAGE_KEY) ?? ''
  const apply = () => {
    document.documentElement.dataset['theme'] = select.value
    changed()
  }
  select.addEventListener('change', () => {
    browser.setItem(STORAGE_KEY, select.value)
    apply()
  })
  dark.addEventListener('change', changed)
  apply()
}

/** Registers a listener for changes of the colours. @param {() => void} listener */
export const onTheme = (listener) => void listeners.add(listener)

function changed() {
  resolved.clear()
  for (const listener of listeners) listener()
}

/** A custom property of the style sheet as a colour, e.g. `hit` for --hit. @param {string} name */
export function color(name) {
  const known = resolved.get(name)
  if (known !== undefined) return known
  const probe = document.createElement('i')
  probe.style.forcedColorAdjust = 'none' // for high contrast, the system would make all of them one
  probe.style.color = `var(--${name})`
  document.body.append(probe)
  const found = getComputedStyle(probe).color
  probe.remove()
  resolved.set(name, found)
  return found
}
