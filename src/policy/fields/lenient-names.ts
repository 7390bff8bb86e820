/** Field names as lenient origins read them. */

const PLAIN_NAME = /^[a-z0-9-]+$/

/** Some origins read "_", or any other punctuation, as "-", and so would see a field that must not reach them. */
export const lenientName = (name: string): string => (PLAIN_NAME.test(name) ? name : name.replaceAll(/[^a-z0-9]/g, '-'))
