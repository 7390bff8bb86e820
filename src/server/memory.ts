/** Keeps a process within its memory: garbage goes in time, the store gives way, and what is still too much is refused. */
import type { Logger } from 'pino'
import { DeadBuffers } from '../heap/dead-buffers.ts'
import { type MemoryCeilings, memoryCeilings } from '../heap/memory-ceilings.ts'
import { MemoryPressure } from '../heap/memory-pressure.ts'
import type { Clock } from '../model.ts'
import type { MemoryStore } from '../stores/memory/store.ts'

export interface WatchedMemory {
  readonly clock: Clock
  readonly logger: Logger
  readonly store: MemoryStore
  /** How many share what the container has. */
  readonly processes: number
}

export interface MemoryWatch {
  readonly pressure: MemoryPressure
  close(): void
}

export function watchMemory({ clock, logger, store, processes }: WatchedMemory): MemoryWatch {
  const deadBuffers = new DeadBuffers({ clock, held: () => heldBy(store) })
  const pressure = new MemoryPressure({
    clock,
    ceilings: ceilingsOf(processes),
    store: {
      giveWay() {
        const givenUp = store.giveWay()
        if (givenUp > 0)
          logger.warn({ givenUp, holds: heldBy(store) }, 'memory is short: the store holds less from now on')
        return givenUp
      },
      regain() {
        const regained = store.regain()
        if (regained === 0) logger.info('the store may hold again what it could at first')
        return regained
      },
    },
    changed(high, use) {
      if (high) logger.warn(use, 'memory is short: what is not stored gets 503 until it is not')
      else logger.info(use, 'memory is no longer short')
    },
  })
  return {
    pressure,
    close() {
      pressure.close()
      deadBuffers.close()
    },
  }
}

const heldBy = (store: MemoryStore): number => store.usage().reduce((sum, { bytes }) => sum + bytes, 0)

function ceilingsOf(processes: number): MemoryCeilings {
  const { heap, container } = memoryCeilings()
  return { heap, container: container && container / processes }
}
