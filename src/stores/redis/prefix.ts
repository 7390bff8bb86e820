import { DEFAULT_REDIS } from '../../config/defaults.ts'

/** No braces, by which a cluster would choose the slot. */
const PREFIX = /^[A-Za-z0-9._:-]{1,64}$/

/** What the keys of one cache begin with. @throws RangeError when that is not a valid prefix */
export function prefixOf({ prefix = DEFAULT_REDIS.prefix }: { readonly prefix?: string | undefined }): string {
  if (typeof prefix === 'string' && PREFIX.test(prefix)) return prefix
  throw new RangeError('expected 1 to 64 letters, digits, ".", "_", ":" or "-" as a prefix')
}
