// The SDK's sources, with init taking the compiled module that the page has
// loaded and checked: the page ships no module of its own.
export * from '../../sdk-js/src/api.ts'
export { anchorHealthOf, anchorOf, eventAnchorOf } from '../../sdk-js/src/anchors.ts'
import { load } from '../../sdk-js/src/load.ts'

export const init = (module: WebAssembly.Module): Promise<void> => load(module, () => module)
