import { useEffect, useState } from 'preact/hooks'
import { ready, verify } from '../checker.ts'
import { noteFailure } from '../connection.ts'
import { failureOf } from '../host.ts'
import { moduleState } from '../module.ts'
import type { ProofReport } from '../sdk.ts'
import { Store, useStore } from '../store.ts'
import { Field, Loading, Refused, announce, type Failure } from '../ui/parts.tsx'
import { Outside, size } from '../ui/text.tsx'
import { ProofVerdict } from './proof.tsx'
import { Title } from './title.tsx'

/** What the module takes: an event of 4 MiB, and the rest. */
const most = (4 << 20) + (128 << 10)

const trusted = new Store('') // outlives the view, not the page

interface Chosen {
  name: string
  bytes: number
  content?: Uint8Array
  failure?: Failure
}

async function read(files: FileList): Promise<Chosen> {
  const f = files[0]!
  const { name, size: bytes } = f
  if (files.length > 1) return { name, bytes, failure: { message: 'These are several files. One at a time, please.' } }
  if (bytes > most) return { name, bytes, failure: { message: `This file is larger than any proof: it has ${size(bytes)}, a proof has ${size(most)} at most.` } }
  try {
    return { name, bytes, content: new Uint8Array(await f.arrayBuffer()) }
  } catch {
    return { name, bytes, failure: { message: 'This cannot be read: it is a folder, or the browser may not open it.' } }
  }
}

/** Checks a proof file, in the page alone: nothing is asked of any host. */
export function Verify() {
  const [file, setFile] = useState<Chosen>()
  const [over, setOver] = useState(false)
  const [here, setHere] = useState(false)
  const module = useStore(moduleState)
  const keys = useStore(trusted)
  const take = async (files: FileList | null | undefined) => {
    if (files && files.length > 0) setFile(await read(files))
  }
  useEffect(() => {
    ready().then(() => setHere(true), noteFailure)
  }, [module.state])
  useEffect(() => {
    // Wherever it is dropped: a browser would leave the page for the file.
    const drag = (e: DragEvent) => {
      if (!e.dataTransfer?.types.includes('Files')) return // a text, for a field
      e.preventDefault()
      setOver(e.type === 'dragover')
    }
    const drop = (e: DragEvent) => {
      drag(e)
      if (e.defaultPrevented) void take(e.dataTransfer?.files)
    }
    const all = [['dragover', drag], ['dragleave', drag], ['drop', drop]] as const
    for (const [name, f] of all) addEventListener(name, f)
    return () => {
      for (const [name, f] of all) removeEventListener(name, f)
    }
  }, [])
  return (
    <>
      <Title text="Verify a proof">A proof file shows that an event was signed, and that a host took it in. It is checked in this page, which asks nobody for it.</Title>
      <div class="columns">
        <div class="main-column">
          <section class="card" aria-labelledby="file-head">
            <h2 id="file-head">The proof</h2>
            {module.state === 'failed' && module.failure && <Refused failure={module.failure} />}
            <div class={`drop ${over ? 'over' : ''}`}>
              <Field label="Choose a .proof.json file, or drop it here">
                {({ id }) => <input id={id} type="file" accept=".json,application/json" disabled={!here} onChange={e => take(e.currentTarget.files)} />}
              </Field>
              {!here && module.state !== 'failed' && <Loading what="Loading the module" />}
            </div>
            <Field label="Keys that you trust" optional hint="The host’s PUB_K1_… and its log’s key, as the host’s operator gives them (a host serves its own at /log/keys), and those of witnesses, one a line; or a C2SP tlog-policy.">
              {({ id, describedBy }) => <textarea id={id} class="code" rows={4} spellcheck={false} autocomplete="off" aria-describedby={describedBy} value={keys} onInput={e => trusted.set(e.currentTarget.value)} />}
            </Field>
          </section>
        </div>
        <div class="side-column">{file && here && <Checked file={file} keys={keys} />}</div>
      </div>
    </>
  )
}

function Checked({ file, keys }: { file: Chosen; keys: string }) {
  const [found, setFound] = useState<{ of: Uint8Array; keys: string; report?: ProofReport; failure?: Failure }>()
  const { content } = file
  useEffect(() => {
    if (!content) return
    const stop = new AbortController()
    verify(content, keys, stop.signal).then(
      report => {
        setFound({ of: content, keys, report })
        announce(report.valid ? 'The proof is valid' : 'The proof is not valid')
      },
      (e: unknown) => stop.signal.aborted || setFound({ of: content, keys, failure: failureOf(e) }),
    )
    return () => stop.abort()
  }, [content, keys])
  const now = found?.of === content && found?.keys === keys ? found : undefined
  return (
    <section class="card" aria-labelledby="verdict-head">
      <h2 id="verdict-head">What it shows</h2>
      <p class="fine"><Outside text={file.name} />, {size(file.bytes)}</p>
      {file.failure ? <Refused failure={file.failure} /> : now?.failure ? <Refused failure={now.failure} /> : now?.report ? <ProofVerdict report={now.report} /> : <Loading what="Checking" />}
    </section>
  )
}
