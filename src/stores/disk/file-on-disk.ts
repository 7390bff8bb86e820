import { statSync } from 'node:fs'

/**
 * What has become of an open file. `removed`: it is no longer the one in the folder. `doubtful`: it has become shorter,
 * which LMDB never does by itself, a process that read it has crashed, or others may write to it at the same time. A
 * page that is gone or corrupted ends the process that touches it.
 */
export type FileState = 'in place' | 'removed' | 'doubtful'

/** LMDB's own: processes that have the same one open write in turn, and spare pages that another of them reads. */
export const lockOf = (path: string): string => `${path}-lock`

const inodeAt = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino

/** A file that this process has open, as it is in its folder. */
export class FileOnDisk {
  readonly #path: string
  readonly #ino: number
  readonly #lockIno: number | undefined
  #sizeSeen: number
  #doubtReason: string | undefined

  constructor(path: string) {
    const { ino, size } = statSync(path)
    this.#path = path
    this.#ino = ino
    this.#lockIno = inodeAt(lockOf(path))
    this.#sizeSeen = size
  }

  /** In bytes. */
  get size(): number {
    return statSync(this.#path).size
  }

  get doubtReason(): string | undefined {
    return this.#doubtReason
  }

  inspect(): FileState {
    const found = statSync(this.#path, { throwIfNoEntry: false })
    if (found?.ino !== this.#ino) return 'removed' // while it is open no other file has that inode
    if (found.size < this.#sizeSeen) this.doubt('the file was cut short')
    if (inodeAt(lockOf(this.#path)) !== this.#lockIno) this.doubt('its lock file was removed')
    this.#sizeSeen = found.size
    return this.#doubtReason === undefined ? 'in place' : 'doubtful'
  }

  doubt(why: string): void {
    this.#doubtReason ??= why
  }
}
