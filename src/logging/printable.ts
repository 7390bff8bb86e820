/** Everything that could steer a terminal, end a line, or reorder text: C0, DEL, C1, line and bidi controls. */
// oxlint-disable-next-line no-control-regex -- finding them is the purpose
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** Text fit for a log line: controls as `\xNN` or `\uNNNN`, and at most `longest` characters of it. */
export function printable(text: string, longest: number = Number.POSITIVE_INFINITY): string {
  const shown = text.length > longest ? `${text.slice(0, longest)}…` : text
  return shown.replaceAll(CONTROLS, escaped)
}

function escaped(control: string): string {
  const code = control.charCodeAt(0).toString(16)
  return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
}
