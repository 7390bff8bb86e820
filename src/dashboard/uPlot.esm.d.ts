// The module is the package's own, served beside this page's.
export { default } from 'uplot'
