/** So many texts, and no longer ones, are looked for among those before. */
const MOST = 1_024
const LONGEST = 64

const texts = new Map<string, string>()

/**
 * The same fields, in a list of their own, whose texts are those of fields before where they are equal. Most are: names
 * and values without this would be a fifth of the memory of small stored responses, and half of what a collection visits.
 */
export function interned(fields: readonly string[]): string[] {
  const list = fields.slice()
  for (let at = 0; at < list.length; at++) list[at] = internedText(list[at] ?? '')
  return list
}

function internedText(text: string): string {
  if (text.length > LONGEST) return text
  const known = texts.get(text)
  if (known !== undefined) return known
  if (texts.size >= MOST) texts.clear()
  texts.set(text, text)
  return text
}
