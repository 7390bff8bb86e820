import { hash } from 'node:crypto'

/** Where a name's thing stands: keys of LMDB are short, and nothing a stranger chose. */
export const addressOf = (name: string): Buffer => hash('sha256', name, 'buffer')
