import { render } from 'preact'
import { App } from './app.tsx'
import { connection, noteFailure } from './connection.ts'
import { discover } from './keys/wallet.ts'
import { moduleState, started } from './module.ts'
import './styles/base.css'
import './styles/parts.css'
import './styles/views.css'

discover()
const load = () => void started().catch(noteFailure)
load()
connection.follow(() => {
  if (!connection.value.lost && moduleState.value.state !== 'ready') load()
})
render(<App />, document.getElementById('page')!)
