import type { JsonObject } from '../json.ts'
import { choice, date, event, group, list, number, optional, table, text, texts, value, type Field } from './fields.ts'

/** How events of one type are spoken of and filled in. */
export interface EventForm {
  title: string
  about: string
  fields: Field[]
  example: JsonObject
  example_proofs?: JsonObject
  /** Members of the body that a list shows: of the first entry of which any is there. */
  gist: string[]
}

const person = text('person_id', 'Person', { example: 'person:lennon' })
const groupId = text('group_id', 'Group', { example: 'group:beatles' })
const reason = text('reason', 'Reason', { long: true, ...optional })
const someEvent = '0'.repeat(63) + '1'

/** The forms of the built-in types, in the order of their codes. */
export const forms: Record<string, EventForm> = {
  CREATE_RELEASE_BUNDLE: {
    title: 'Create a release',
    about: 'A release with its groups, tracks and track list, in one event.',
    gist: ['release.name'],
    fields: [
      group('release', 'Release', [
        text('name', 'Name', { example: 'Abbey Road' }),
        date('release_date', 'Release date', optional),
        texts('format', 'Formats', 'format', { ...optional, hint: 'LP, CD, digital …' }),
        text('label_id', 'Label', { ...optional, example: 'label:parlophone' }),
      ]),
      list('groups', 'Groups', 'group', [
        groupId,
        text('name', 'Name', optional),
        list('members', 'Members', 'member', [person, text('role', 'Role', optional), text('instrument', 'Instrument', optional)], optional),
      ], optional),
      list('tracks', 'Tracks', 'track', [
        text('title', 'Title'),
        group('performed_by_group', 'Performed by', [groupId], optional),
        list('guests', 'Guests', 'guest', [person, text('role', 'Role', optional)], optional),
      ], optional),
      list('tracklist', 'Track list', 'entry', [
        text('track_id', 'Track', { example: 'track:come-together' }),
        number('disc', 'Disc', { whole: true }),
        number('track_number', 'Number', { whole: true }),
      ], optional),
    ],
    example: {
      release: { name: 'Abbey Road', release_date: '1969-09-26', format: ['LP', 'CD'], label_id: 'label:parlophone' },
      groups: [
        {
          group_id: 'group:beatles',
          name: 'The Beatles',
          members: [
            { person_id: 'person:lennon', role: 'vocals', instrument: 'guitar' },
            { person_id: 'person:mccartney', role: 'vocals', instrument: 'bass' },
          ],
        },
      ],
      tracks: [{ title: 'Come Together', performed_by_group: { group_id: 'group:beatles' }, guests: [] }],
      tracklist: [{ track_id: 'track:come-together', disc: 1, track_number: 1 }],
    },
    example_proofs: { source_links: ['https://www.discogs.com/master/24047'] },
  },
  CREATE_GROUP: {
    title: 'Create a group',
    about: 'A band, an orchestra, any number of people who perform under one name.',
    gist: ['group.name', 'name', 'group_id'],
    fields: [
      group('group', 'Group', [
        text('name', 'Name', { example: 'Led Zeppelin' }),
        date('formed_date', 'Formed', optional),
        group('origin_city', 'City of origin', [text('name', 'City', optional), number('lat', 'Latitude', optional), number('lon', 'Longitude', optional)], optional),
      ]),
      list('founding_members', 'Founding members', 'member', [text('name', 'Name'), text('role', 'Role', optional)], optional),
    ],
    example: {
      group: { name: 'Led Zeppelin', formed_date: '1968-09-07', origin_city: { name: 'London', lat: 51.5074, lon: -0.1278 } },
      founding_members: [
        { name: 'Jimmy Page', role: 'guitarist' },
        { name: 'Robert Plant', role: 'vocalist' },
        { name: 'John Paul Jones', role: 'bassist' },
        { name: 'John Bonham', role: 'drummer' },
      ],
    },
  },
  ADD_MEMBER: {
    title: 'Add a member',
    about: 'A person joins a group.',
    gist: ['person_id group_id'],
    fields: [groupId, person, text('role', 'Role', optional), text('instrument', 'Instrument', optional), date('from', 'From', optional), date('to', 'Until', optional)],
    example: { group_id: 'group:beatles', person_id: 'person:starr', role: 'drummer', instrument: 'drums', from: '1962-08-18' },
  },
  REMOVE_MEMBER: {
    title: 'Remove a member',
    about: 'A person leaves a group.',
    gist: ['person_id group_id'],
    fields: [groupId, person, date('until', 'Until', optional), reason],
    example: { group_id: 'group:beatles', person_id: 'person:best', until: '1962-08-16', reason: 'Replaced before the first recordings' },
  },
  ADD_CLAIM: {
    title: 'Add a claim',
    about: 'States one fact about one thing, with its sources.',
    gist: ['field value node'],
    fields: [
      text('node', 'About', { example: 'track:come-together' }),
      text('field', 'Property', { example: 'bpm' }),
      value('value', 'Value'),
      number('confidence', 'Confidence', { ...optional, hint: 'from 0 to 1' }),
      texts('sources', 'Sources', 'source', optional),
    ],
    example: { node: 'track:come-together', field: 'bpm', value: 82.5, confidence: 0.9, sources: ['https://musicbrainz.org/recording/3b0ecd42'] },
  },
  EDIT_CLAIM: {
    title: 'Edit a claim',
    about: 'Corrects an earlier claim, change by change.',
    gist: ['reason', 'claim'],
    fields: [
      event('claim', 'Claim'),
      list('patch', 'Changes', 'change', [
        choice('op', 'Change', [['replace', 'replace'], ['add', 'add'], ['remove', 'remove']]),
        text('path', 'Where', { example: '/value' }),
        value('value', 'New value', optional),
      ]),
      reason,
    ],
    example: { claim: someEvent, patch: [{ op: 'replace', path: '/value', value: 83 }], reason: 'Measured again on the 2019 remaster' },
  },
  DELETE_CLAIM: {
    title: 'Withdraw a claim',
    about: 'Withdraws an earlier claim. The claim stays readable; this says that it no longer stands.',
    gist: ['reason', 'claim'],
    fields: [event('claim', 'Claim'), reason],
    example: { claim: someEvent, reason: 'The source was retracted' },
  },
  VOTE: {
    title: 'Vote',
    about: 'A vote for or against another event.',
    gist: ['reason', 'target'],
    fields: [
      event('target', 'On which event'),
      choice('value', 'Vote', [[1, 'for (+1)'], [0, 'abstain (0)'], [-1, 'against (−1)']]),
      number('weight', 'Weight', optional),
      reason,
    ],
    example: { target: someEvent, value: 1, weight: 1 },
  },
  LIKE: {
    title: 'Like',
    about: 'Says that an event is liked.',
    gist: ['target'],
    fields: [event('target', 'Which event')],
    example: { target: someEvent },
  },
  DISCUSS: {
    title: 'Discuss',
    about: 'A remark on another event, or an answer to a remark.',
    gist: ['text'],
    fields: [event('target', 'On which event'), text('text', 'Text', { long: true }), event('reply_to', 'In answer to', optional)],
    example: { target: someEvent, text: 'The second pressing has another take of track 4.' },
  },
  FINALIZE: {
    title: 'Finalize',
    about: 'Closes a matter: what is decided stands.',
    gist: ['decision', 'target'],
    fields: [
      event('target', 'Which event'),
      text('decision', 'Decision', optional),
      number('quorum', 'Quorum', { ...optional, hint: 'from 0 to 1' }),
      number('until', 'Until', { whole: true, ...optional, hint: 'Unix seconds' }),
    ],
    example: { target: someEvent, decision: 'accepted', quorum: 0.66 },
  },
  DISTRIBUTE_REWARDS: {
    title: 'Distribute rewards',
    about: 'Who receives which share in an epoch.',
    gist: ['epoch total'],
    fields: [number('epoch', 'Epoch', { whole: true }), number('total', 'Total'), table('shares', 'Shares', 'account', 'share', 'number')],
    example: { epoch: 12, total: 1000, shares: { 'account:alice': 0.6, 'account:bob': 0.4 } },
  },
  MERGE_NODE: {
    title: 'Merge',
    about: 'Several entries turn out to be one and the same.',
    gist: ['into'],
    fields: [texts('from', 'From', 'entry'), text('into', 'Into', { example: 'person:lennon' }), reason],
    example: { from: ['person:john-lennon', 'person:j-lennon'], into: 'person:lennon', reason: 'Same birth date and works' },
  },
  SPLIT_NODE: {
    title: 'Split',
    about: 'One entry turns out to be several.',
    gist: ['from'],
    fields: [text('from', 'From', { example: 'person:smith' }), table('into', 'Into', 'new entry', 'what goes there', 'texts'), reason],
    example: { from: 'person:smith', into: { 'person:smith-uk': ['track:1'], 'person:smith-us': ['track:2', 'track:3'] } },
  },
}

/** A type in words: its form's title, or its name made readable. */
export function titleOf(type: string): string {
  const form = Object.hasOwn(forms, type) ? forms[type] : undefined
  return form?.title ?? type.toLowerCase().replaceAll('_', ' ')
}

export const proofFields: Field[] = [texts('source_links', 'Sources', 'link', { ...optional, hint: 'Where the facts can be looked up' })]
