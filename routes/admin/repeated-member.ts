/**
 * The name of a member that a JSON object has twice, of which JSON.parse silently keeps only the last.
 * @param text well-formed JSON; nested objects are not checked
 */
export function repeatedMember(text: string): string | undefined {
  const names = new Set<string>()
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    if (character !== '"') continue
    const end = endOfString(text, at)
    if (depth === 1 && isName(text, end)) {
      const name = String(JSON.parse(text.slice(at, end)))
      if (names.has(name)) return name
      names.add(name)
    }
    at = end - 1
  }
  return undefined
}

/** The position after its closing quotation mark. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** Whether a colon follows. */
function isName(text: string, end: number): boolean {
  let at = end
  while (' \t\r\n'.includes(text[at] ?? 'x')) at++
  return text[at] === ':'
}
