import { hash } from 'node:crypto'

/** The LMDB key for a name: those have to be short, and must not be chosen by strangers. */
export const addressOf = (name: string): Buffer => hash('sha256', name, 'buffer')
