/** Everything that could steer a terminal, end a line, or reorder text: C0, DEL, C1, line and bidi controls. */
// oxlint-disable-next-line no-control-regex -- finding them is the purpose
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/**
 * Text fit for a log line: controls as `\xNN` or `\uNNNN`, cut to what takes `longest` octets in JSON, as the whole line
 * has to fit into one write (`openLog`). A character takes one to seven octets.
 */
export function printable(text: string, longest: number = Number.POSITIVE_INFINITY): string {
  const start = text.slice(0, longest)
  const shown = start.replaceAll(CONTROLS, escaped)
  if (octetsInJson(shown) > longest) return `${fitting(start, longest)}…`
  return start === text ? shown : `${shown}…`
}

/** ASCII that JSON does not escape: most paths and fields consist of nothing else. */
const PLAIN = /^[ !#-[\]-~]*$/

/** What it takes between its quotation marks. */
export const octetsInJson = (text: string): number =>
  PLAIN.test(text) ? text.length : Buffer.byteLength(JSON.stringify(text)) - 2

function fitting(text: string, longest: number): string {
  let fits = ''
  let left = longest
  for (const character of text) {
    const shown = character.replaceAll(CONTROLS, escaped)
    left -= octetsInJson(shown)
    if (left < 0) break
    fits += shown
  }
  return fits
}

function escaped(control: string): string {
  const code = control.charCodeAt(0).toString(16)
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
}
