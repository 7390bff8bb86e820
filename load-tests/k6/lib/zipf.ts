/** Numbers from 0, n being 1/(n+1) as likely as 0. @returns maps a value from 0 to 1, 1 excluded, to its number */
export function zipf(count: number): (drawn: number) => number {
  const sums: number[] = []
  let sum = 0
  for (let n = 1; n <= count; n++) sums.push((sum += 1 / n))
  return (drawn) => {
    const wanted = drawn * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((sums[middle] ?? 0) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}
