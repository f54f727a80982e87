/** What JSON can hold. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }
export type JsonObject = { [name: string]: Json }

export const isObject = (v: unknown): v is JsonObject => typeof v === 'object' && v !== null && !Array.isArray(v)

/** The value at a path of names and indexes; undefined where there is none. */
export function valueAt(root: Json, path: Path): Json | undefined {
  let v: Json | undefined = root
  for (const step of path) {
    if (Array.isArray(v)) v = v[Number(step)]
    else if (isObject(v) && Object.hasOwn(v, step)) v = v[step]
    else return undefined
  }
  return v
}

export type Path = (string | number)[]

/**
 * A copy of root with the value at path replaced, or removed where value is
 * undefined. Objects that become empty by a removal are removed too; what is
 * in the way of the path gives way.
 */
export function withValue(root: JsonObject, path: Path, value: Json | undefined): JsonObject {
  return (change(root, path, value) ?? {}) as JsonObject
}

function change(v: Json | undefined, path: Path, value: Json | undefined): Json | undefined {
  const [step, ...rest] = path
  if (step === undefined) return value
  if (typeof step === 'number') {
    const list = Array.isArray(v) ? [...v] : []
    const item = change(list[step], rest, value)
    if (item !== undefined) list[step] = item
    else if (rest.length > 0) list[step] = {} // an emptied item keeps its place
    else list.splice(step, 1)
    return list.length > 0 ? list : undefined
  }
  // Member by member, so that __proto__ is a name like any other.
  const entries = isObject(v) ? Object.entries(v) : []
  const at = entries.findIndex(([k]) => k === step)
  const member = change(at < 0 ? undefined : entries[at]![1], rest, value)
  if (member === undefined) {
    if (at >= 0) entries.splice(at, 1)
  } else if (at >= 0) entries[at] = [step, member]
  else entries.push([step, member])
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}
