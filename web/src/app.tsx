import { connection } from './connection.ts'
import { moduleState } from './module.ts'
import { route } from './router.ts'
import { useStore } from './store.ts'
import * as themes from './theme.ts'
import { Announcer, Badge, Empty, Icon, type IconName } from './ui/parts.tsx'
import { Event } from './views/event.tsx'
import { Explore } from './views/explore.tsx'
import { Sign } from './views/sign.tsx'
import { Status } from './views/status.tsx'
import { Title } from './views/title.tsx'
import { Verify } from './views/verify.tsx'

export function App() {
  const { view } = useStore(route)
  const { lost } = useStore(connection)
  return (
    <>
      <a class="skip" href="#main" onClick={e => { e.preventDefault(); document.getElementById('main')?.focus() }}>Skip to the content</a>
      <header class="bar">
        <a class="brand" href="#/explore"><Seal /> Eventseal</a>
        <nav aria-label="Main">
          <Tab to="explore" here={view === 'explore' || view === 'event'}>Explore</Tab>
          <Tab to="sign" here={view === 'sign'}>Sign</Tab>
          <Tab to="verify" here={view === 'verify'}>Verify</Tab>
          <Tab to="status" here={view === 'status'}>Status</Tab>
        </nav>
        <ModuleBadge />
        <ThemeButton />
      </header>
      {lost && (
        <div class="lost" role="alert">
          <Icon name="warn" /> {navigator.onLine ? 'The host cannot be reached.' : 'You are offline.'} Trying again… What you have written and signed stays here.
        </div>
      )}
      <main id="main" tabIndex={-1}>
        {view === 'explore' && <Explore />}
        {view === 'sign' && <Sign />}
        {view === 'event' && <Event />}
        {view === 'verify' && <Verify />}
        {view === 'status' && <Status />}
        {view === 'nowhere' && <><Title text="Nothing here" /><Empty title="This address leads nowhere."><p><a href="#/explore">Explore the events</a></p></Empty></>}
      </main>
      <Announcer />
    </>
  )
}

function Tab({ to, here, children }: { to: string; here: boolean; children: string }) {
  return <a href={`#/${to}`} aria-current={here ? 'page' : undefined}>{children}</a>
}

function Seal() {
  return (
    <svg class="seal" viewBox="0 0 32 32" aria-hidden="true">
      <path class="seal-body" d="M16 3.8Q20.19 0.35 22.1 5.43Q27.46 4.54 26.57 9.9Q31.65 11.81 28.2 16Q31.65 20.19 26.57 22.1Q27.46 27.46 22.1 26.57Q20.19 31.65 16 28.2Q11.81 31.65 9.9 26.57Q4.54 27.46 5.43 22.1Q0.35 20.19 3.8 16Q0.35 11.81 5.43 9.9Q4.54 4.54 9.9 5.43Q11.81 0.35 16 3.8Z" />
      <path class="seal-check" d="M10.5 16.6l3.8 3.6 7.2-7.8" />
    </svg>
  )
}

function ModuleBadge() {
  const m = useStore(moduleState)
  return (
    <a class="module-badge" href="#/status" title="The code that checks and signs in this page">
      {m.state === 'ready' ? (
        m.digest && m.digest === m.hosts ? <Badge tone="good">same module<span class="wide-only"> as host</span></Badge> : <Badge tone="info">module not compared</Badge>
      ) : m.state === 'loading' ? (
        <Badge tone="quiet">loading module</Badge>
      ) : (
        <Badge tone="bad">no module</Badge>
      )}
    </a>
  )
}

const next: Record<themes.Theme, themes.Theme> = { auto: 'light', light: 'dark', dark: 'auto' }
const themeIcon: Record<themes.Theme, IconName> = { auto: 'auto', light: 'sun', dark: 'moon' }
const themeName: Record<themes.Theme, string> = { auto: 'as the system', light: 'light', dark: 'dark' }

function ThemeButton() {
  const t = useStore(themes.theme)
  const label = `Colours: ${themeName[t]}. Change to ${themeName[next[t]]}`
  return (
    <button type="button" class="icon-button theme" aria-label={label} title={label} onClick={() => themes.choose(next[t])}>
      <Icon name={themeIcon[t]} />
    </button>
  )
}
