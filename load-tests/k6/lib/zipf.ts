/** Numbers from 0, n being 1/(n+1) as likely as 0. @returns draws one */
export function zipf(count: number, random: () => number = Math.random): () => number {
  const sums: number[] = []
  for (let n = 1, sum = 0; n <= count; n++) sums.push((sum += 1 / n))
  const whole = sums.at(-1) ?? 0
  return () => {
    const wanted = random() * whole
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? 0) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}
