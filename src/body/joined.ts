/** Copies to a buffer of exactly the right size: a 200-byte body must not retain the 64 KiB chunk it arrived in. */
export function joined(chunks: readonly Uint8Array[], size: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
