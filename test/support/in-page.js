/** Functions that tests run inside of a page: their text is sent there, so each stands alone. */

/**
 * How many points of a plot have a colour of the style sheet.
 * @param {readonly [plot: string, property: string]} of selector of the plot, name of the custom property
 * @returns {number}
 */
export function pointsOf([plot, property]) {
  const probe = document.createElement('i')
  probe.style.forcedColorAdjust = 'none'
  probe.style.color = `var(--${property})`
  document.body.append(probe)
  const [red = 0, green = 0, blue = 0] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number)
  probe.remove()
  const canvas = document.querySelector(`${plot} canvas`)
  // From a copy: Chromium warns of a canvas that is read often.
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })
  copy.drawImage(canvas, 0, 0)
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height)
  let count = 0
  for (let at = 0; at < data.length; at += 4) {
    const distance = Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue)
    if (data[at + 3] > 40 && distance < 24) count++
  }
  return count
}

/** Colour of an element's background. @param {string} selector @returns {string} */
export const background = (selector) => getComputedStyle(document.querySelector(selector)).backgroundColor

/** Of the background: its red, from 0 to 255. @returns {number} */
export const brightness = () => Number(/\d+/.exec(getComputedStyle(document.body).backgroundColor)?.[0] ?? -1)

/** Values of the options that a list offers. @param {string} selector @returns {string[]} */
export const offeredBy = (selector) =>
  [...document.querySelector(selector).options]
    .filter((option) => getComputedStyle(option).display !== 'none')
    .map(({ value }) => value)

/** @returns {number} */
export const scrollWidth = () => document.documentElement.scrollWidth

/** How far an element is scrolled, in pixels. @param {string} selector @returns {number} */
export const scrolledBy = (selector) => document.querySelector(selector).scrollTop

/** Class of the element that has the focus. @returns {string} */
export const focused = () => document.activeElement?.className ?? ''

/** As in Safari 26, whose streams can only be read by a reader. */
export function streamsCannotBeIterated() {
  Reflect.deleteProperty(ReadableStream.prototype, Symbol.asyncIterator)
  Reflect.deleteProperty(ReadableStream.prototype, 'values')
}

/** As in a browser that is set to keep nothing for the site. */
export function storageIsRefused() {
  for (const name of ['localStorage', 'sessionStorage']) {
    Object.defineProperty(window, name, {
      get() {
        throw new DOMException('refused', 'SecurityError')
      },
    })
  }
}

/** How much this tab keeps. @returns {number} */
export const kept = () => sessionStorage.length

/**
 * By how many pixels what is in one element reaches into the next.
 * @param {readonly [upper: string, lower: string]} selectors
 * @returns {number}
 */
export function overlap([upper, lower]) {
  const box = document.querySelector(upper)
  const end =
    box.getBoundingClientRect().top +
    (getComputedStyle(box).overflowY === 'visible' ? box.scrollHeight : box.clientHeight)
  return end - document.querySelector(lower).getBoundingClientRect().top
}

/**
 * How many of these elements have content that sticks out at their side.
 * @param {string} selector
 * @returns {number}
 */
export const sticksOut = (selector) =>
  [...document.querySelectorAll(selector)].filter((each) => each.scrollWidth > each.clientWidth).length
