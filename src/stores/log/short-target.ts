import { hash } from 'node:crypto'

/** Longest target that is kept as it is, in characters. No tag is longer. */
const MAX_KEPT = 264

/**
 * What stands for a target in the log. It remembers very many, and strangers choose the URLs that unsafe requests name:
 * for a long name a digest stands. What is short stays as it is.
 */
export function shortTarget(target: string): string {
  if (target.length <= MAX_KEPT) return target
  const kind = target.slice(0, target.indexOf(' ') + 1)
  const name = target.slice(kind.length)
  return `${kind}${hash('sha256', name, 'base64url')} ${name.length}`
}

const DIGEST = /^[\w-]{43} (\d+)$/

/** Length of the name for which a target without its kind stands. No URL has a space, so none looks like a digest. */
export function lengthOfName(short: string): number {
  const [, stated] = DIGEST.exec(short) ?? []
  return stated === undefined ? short.length : Number(stated)
}
