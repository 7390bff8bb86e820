/**
 * Hundreds of tests start the command from its sources: what the first has compiled, and stripped of types, the others
 * take from a folder that lasts as long as the run.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** For a process whose memory is tested: what comes from there takes another part of the heap. */
export const WITHOUT_COMPILE_CACHE = { NODE_DISABLE_COMPILE_CACHE: '1' }

export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'herdgate-compiled-'))
  process.env['NODE_COMPILE_CACHE'] = folder
  // Processes that are ending may still be writing there; then removing it fails, and with it the run.
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
}
