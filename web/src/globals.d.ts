/** SHA-256 of the module that this page was built for, lower-case hex. */
declare const __MODULE_SHA256__: string

declare module '*?worker&url' {
  const url: string
  export default url
}

declare module '*.css'
