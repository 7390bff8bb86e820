/** Formats numbers for people. */

const GROUPED = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** @param {number} value */
export const count = (value) => (value < 10_000 ? GROUPED.format(value) : SHORT.format(value))

/** Per second; small rates keep a decimal. @param {number} value */
export const rate = (value) => (value > 0 && value < 10 ? String(Math.round(value * 10) / 10) : count(value))

/** @param {number} share from 0 to 1 */
export function percent(share) {
  if (share > 0 && share < 0.005) return '<1 %'
  return share >= 0.995 && share < 1 ? '>99 %' : `${Math.round(share * 100)} %`
}

/** @param {number} value milliseconds of a request */
export function ms(value) {
  if (value < 0.1) return '<0.1 ms'
  if (value < 10) return `${Math.round(value * 10) / 10} ms`
  return value < 1000 ? `${Math.round(value)} ms` : `${Math.round(value / 100) / 10} s`
}

/** The two largest units. @param {number} value milliseconds of anything longer */
export function duration(value) {
  const seconds = Math.floor(value / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** @param {number} value */
export function bytes(value) {
  const power = value < 1024 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), UNITS.length - 1)
  const scaled = value / 1024 ** power
  return `${scaled < 10 && power > 0 ? scaled.toFixed(1) : Math.round(scaled)} ${UNITS[power]}`
}

/** @param {number} at epoch milliseconds */
export const time = (at) => new Date(at).toLocaleTimeString([], { hour12: false })
