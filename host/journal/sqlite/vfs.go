package sqlite

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/sqlite/lib"
)

// SQLite reads and writes through a VFS (https://www.sqlite.org/vfs.html). This
// one is the system's own, but for reads and writes of whole pages of a file
// that has sums: they are verified and made there. SQLite itself sees zeros in
// their place, so that what it puts into the log has none. It gets them when it
// is moved into the file. If another program does that, the pages are not taken
// for good ones: they look like those of which the end was never written.
// Rebuild takes them.
const vfsName = "eventseal-sums"

// applicationID marks a file with sums, beside its header's reserved bytes: one
// flipped bit does not make it one without.
const applicationID = 0x45765331

// A guard is told what the reads of one Journal's file found.
type guard struct {
	lenient              bool // pages without sums are taken as they are
	mended, foreign, bad atomic.Uint64
	found                func(v verdict, page uint32) // may be called concurrently, and must be quick
}

var guards struct {
	sync.Mutex
	next  int
	byID  map[string]*guard
	files sync.Map // sqlite3_file → *guard
}

// register makes g known to connections whose name has the parameter that it returns.
func (g *guard) register() (parameter string) {
	guards.Lock()
	defer guards.Unlock()
	if guards.byID == nil {
		guards.byID = map[string]*guard{}
	}
	guards.next++
	id := strconv.Itoa(guards.next)
	guards.byID[id] = g
	return "guard=" + id
}

func (g *guard) remove() {
	guards.Lock()
	defer guards.Unlock()
	for id, x := range guards.byID {
		if x == g {
			delete(guards.byID, id)
		}
	}
}

func (g *guard) tell(v verdict, page uint32) {
	if g == nil {
		return
	}
	switch v {
	case pageMended:
		g.mended.Add(1)
	case pageForeign:
		g.foreign.Add(1)
	case pageBad:
		g.bad.Add(1)
	}
	if g.found != nil {
		g.found(v, page)
	}
}

// methods are those of a file with sums, and the system's below them.
type methods struct {
	own  sqlite3.Tsqlite3_io_methods
	base sqlite3.Tsqlite3_io_methods
}

// What is here is never freed, nor moved.
var shim struct {
	base    uintptr  // the system's sqlite3_vfs
	param   uintptr  // "guard"
	methods sync.Map // the system's sqlite3_io_methods → ours
}

// installVFS makes the VFS known to SQLite, once.
var installVFS = sync.OnceValue(func() error {
	tls := libc.NewTLS()
	base := sqlite3.Xsqlite3_vfs_find(tls, 0)
	if base == 0 {
		return fmt.Errorf("SQLite has no VFS")
	}
	name, err := libc.CString(vfsName)
	if err != nil {
		return err
	}
	if shim.param, err = libc.CString("guard"); err != nil {
		return err
	}
	shim.base = base
	vfs := sqlite3.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	if vfs == 0 {
		return fmt.Errorf("out of memory")
	}
	v := at[sqlite3.Tsqlite3_vfs](vfs)
	*v = *at[sqlite3.Tsqlite3_vfs](base)
	v.FzName, v.FpNext = name, 0
	open := vfsOpen
	v.FxOpen = *(*uintptr)(unsafe.Pointer(&open))
	if rc := sqlite3.Xsqlite3_vfs_register(tls, vfs, 0); rc != sqlite3.SQLITE_OK {
		return fmt.Errorf("SQLite refuses the VFS: %d", rc)
	}
	return nil
})

// at returns what is at an address outside of Go's memory.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// call returns the function behind a pointer of SQLite's.
func call[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

// memory is not inlined: the compiler (1.26) must see pointers where bytes are moved.
//
//go:noinline
func memory(p uintptr, n int32) []byte { return unsafe.Slice(at[byte](p), n) }

type (
	fnOpen  = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, out uintptr) int32
	fnClose = func(tls *libc.TLS, file uintptr) int32
	fnIO    = func(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32
)

func vfsOpen(tls *libc.TLS, _, name, file uintptr, flags int32, out uintptr) int32 {
	rc := call[fnOpen](at[sqlite3.Tsqlite3_vfs](shim.base).FxOpen)(tls, shim.base, name, file, flags, out)
	if rc != sqlite3.SQLITE_OK || flags&sqlite3.SQLITE_OPEN_MAIN_DB == 0 {
		return rc
	}
	f := at[sqlite3.Tsqlite3_file](file)
	base := at[sqlite3.Tsqlite3_io_methods](f.FpMethods)
	head := tls.Alloc(headerBytes)
	defer tls.Free(headerBytes)
	if rc := call[fnIO](base.FxRead)(tls, file, head, headerBytes, 0); rc != sqlite3.SQLITE_OK || !hasSums(memory(head, headerBytes)) {
		return sqlite3.SQLITE_OK // SQLite meets the error itself
	}
	m, err := overMethods(tls, f.FpMethods)
	if err != nil {
		_ = call[fnClose](base.FxClose)(tls, file) // nothing was done with it
		f.FpMethods = 0
		return sqlite3.SQLITE_NOMEM
	}
	if id := sqlite3.Xsqlite3_uri_parameter(tls, name, shim.param); id != 0 {
		guards.Lock()
		if g := guards.byID[libc.GoString(id)]; g != nil {
			guards.files.Store(file, g)
		}
		guards.Unlock()
	}
	f.FpMethods = m
	return sqlite3.SQLITE_OK
}

// overMethods returns the methods of a file whose own the system has at base.
func overMethods(tls *libc.TLS, base uintptr) (uintptr, error) {
	if m, ok := shim.methods.Load(base); ok {
		return m.(uintptr), nil
	}
	p := sqlite3.Xsqlite3_malloc(tls, int32(unsafe.Sizeof(methods{})))
	if p == 0 {
		return 0, fmt.Errorf("out of memory")
	}
	m := at[methods](p)
	m.base = *at[sqlite3.Tsqlite3_io_methods](base)
	m.own = m.base
	m.own.FiVersion = min(m.base.FiVersion, 2) // no memory map, which would go past the reads
	read, write, end, traits := fileRead, fileWrite, fileClose, fileTraits
	m.own.FxDeviceCharacteristics = *(*uintptr)(unsafe.Pointer(&traits))
	m.own.FxRead = *(*uintptr)(unsafe.Pointer(&read))
	m.own.FxWrite = *(*uintptr)(unsafe.Pointer(&write))
	m.own.FxClose = *(*uintptr)(unsafe.Pointer(&end))
	kept, _ := shim.methods.LoadOrStore(base, p)
	return kept.(uintptr), nil
}

func below(file uintptr) *sqlite3.Tsqlite3_io_methods {
	return &at[methods](at[sqlite3.Tsqlite3_file](file).FpMethods).base
}

func fileClose(tls *libc.TLS, file uintptr) int32 {
	guards.files.Delete(file)
	return call[fnClose](below(file).FxClose)(tls, file)
}

// fileTraits denies that parts of pages can be read, which could not be verified.
func fileTraits(tls *libc.TLS, file uintptr) int32 {
	return call[fnClose](below(file).FxDeviceCharacteristics)(tls, file) &^ sqlite3.SQLITE_IOCAP_SUBPAGE_READ
}

func fileRead(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	if n == headerBytes && offset == 0 {
		// SQLite's first look, for the size of a page. What it believes must have been verified.
		page := tls.Alloc(pageBytes)
		defer tls.Free(pageBytes)
		rc := fileRead(tls, file, page, pageBytes, 0)
		if rc == sqlite3.SQLITE_OK {
			copy(memory(buffer, n), memory(page, n))
		}
		return rc
	}
	rc := call[fnIO](below(file).FxRead)(tls, file, buffer, n, offset)
	if n != pageBytes || offset%pageBytes != 0 || rc != sqlite3.SQLITE_OK && rc != sqlite3.SQLITE_IOERR_SHORT_READ {
		return rc
	}
	page := uint32(offset/pageBytes) + 1
	p := memory(buffer, n)
	v := pageBad // a page of which there is only a part
	if rc == sqlite3.SQLITE_OK {
		v = judge(p, page)
	}
	if v != pageGood {
		x, _ := guards.files.Load(file)
		g, _ := x.(*guard)
		g.tell(v, page)
		if v == pageBad || v == pageForeign && (g == nil || !g.lenient) {
			return sqlite3.SQLITE_IOERR_DATA
		}
	}
	clear(p[bodyBytes:])
	return rc
}

func fileWrite(tls *libc.TLS, file, buffer uintptr, n int32, offset int64) int32 {
	write := call[fnIO](below(file).FxWrite)
	if n != pageBytes || offset%pageBytes != 0 {
		return write(tls, file, buffer, n, offset)
	}
	p := memory(buffer, n)
	seal(p, uint32(offset/pageBytes)+1)
	rc := write(tls, file, buffer, n, offset)
	clear(p[bodyBytes:])
	return rc
}

const headerBytes = 100

// hasSums says what the first bytes of a file say.
func hasSums(header []byte) bool {
	return header[20] == sumBytes || bytes.Equal(header[68:72], []byte{applicationID >> 24, applicationID >> 16 & 0xff, applicationID >> 8 & 0xff, applicationID & 0xff})
}
