package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/durable"
)

// Options say whose heads a witness cosigns.
type Options struct {
	Key  *Key
	Data string           // folder of what it has cosigned; made where it is missing
	Logs []checkpoint.Key // the logs' keys, named by their origins; several of one origin are alternatives
	Log  *slog.Logger
}

// A Server is a witness: an http.Handler, safe for concurrent use.
type Server struct {
	o      Options
	lock   *os.File
	folder *durable.Folder
	logs   map[string]*log // by origin

	mu    sync.Mutex
	doubt error // why nobody knows what the folder holds

	now     func() time.Time
	checked func() // told when a head was found consistent, before it is kept
}

// A log is what the witness knows of one.
type log struct {
	keys []checkpoint.Key

	mu   sync.Mutex            // held from the look at head until the new one is durable
	head checkpoint.Checkpoint // the last that was cosigned; of size 0: none
}

// Suffixes of the files of a log, whose names begin with its id.
const (
	headSuffix          = ".checkpoint"    // the last head that was cosigned, with the cosignature
	contradictionSuffix = ".contradiction" // the first head that the log signed against one that was cosigned
)

// id names a log's files.
func id(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:16])
}

// Open takes the folder for this process. It fails where anything in it is not
// what this witness has written: who forgets what it has cosigned is none.
func Open(o Options) (s *Server, err error) {
	s = &Server{o: o, logs: map[string]*log{}, now: time.Now, checked: func() {}}
	for _, k := range o.Logs {
		if k.Kind != checkpoint.Ed25519 {
			return nil, fmt.Errorf("witness: %s is not the key of a log", k)
		}
		if s.logs[k.Name] == nil {
			s.logs[k.Name] = &log{head: none(k.Name)}
		}
		s.logs[k.Name].keys = append(s.logs[k.Name].keys, k)
	}
	if err := durable.MakeFolder(o.Data); err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	if s.folder, err = durable.OpenFolder(o.Data); err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("witness: folder %s: %w", o.Data, err), s.Close())
			s = nil
		}
	}()
	if s.lock, err = s.folder.Lock("lock"); err != nil {
		return s, err
	}
	return s, s.load()
}

// none is the head before the first: every log begins as the empty tree.
func none(origin string) checkpoint.Checkpoint {
	return checkpoint.Checkpoint{Origin: origin, Root: sha256.Sum256(nil)}
}

// load reads every head in the folder.
func (s *Server) load() error {
	entries, err := s.folder.Entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, ".tmp") { // of a process that ended while it wrote
			if err := s.folder.Remove(name); err != nil {
				return err
			}
			continue
		}
		if !strings.HasSuffix(name, headSuffix) {
			continue
		}
		b, err := s.folder.Read(name, checkpoint.MaxNote)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c, _, err := checkpoint.Open(b, s.o.Key.Public().Verifier())
		if err == nil && name != id(c.Origin)+headSuffix {
			err = errors.New("it is another log's")
		}
		if err != nil {
			return fmt.Errorf("%s is not a head that the witness %s has cosigned: %w", name, s.o.Key.Name, err)
		}
		if l := s.logs[c.Origin]; l != nil {
			l.head = c
		} else {
			s.o.Log.Warn("no heads of a log are cosigned any more: it is not among those that are configured", "origin", c.Origin, "size", c.Size)
		}
	}
	return nil
}

// Close lets go of the folder.
func (s *Server) Close() error {
	var err error
	if s.lock != nil {
		err = s.lock.Close()
	}
	return errors.Join(err, s.folder.Close())
}

// keep makes a cosigned head durable. Where that fails in any way but by a full
// disk, which is before anything took effect, nobody knows what the disk has, and nothing is
// cosigned until the witness was started anew.
func (s *Server) keep(c checkpoint.Checkpoint, n *note.Note, line string) error {
	s.mu.Lock()
	doubt := s.doubt
	s.mu.Unlock()
	if doubt != nil {
		return doubt
	}
	err := s.folder.Replace(id(c.Origin)+headSuffix, []byte(signed(n)+line))
	if err != nil && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		s.mu.Lock()
		s.doubt = fmt.Errorf("nothing is cosigned until the next start: %w", err)
		s.mu.Unlock()
	}
	if err != nil {
		s.o.Log.Error("a head cannot be kept, and is not cosigned", "origin", c.Origin, "size", c.Size, "error", err)
	}
	return err
}

// contradicted keeps the first head that contradicts one that was cosigned: with
// that, it is proof against the log.
func (s *Server) contradicted(c checkpoint.Checkpoint, n *note.Note) {
	name := id(c.Origin) + contradictionSuffix
	s.o.Log.Error("a log has signed two heads of one size", "origin", c.Origin, "size", c.Size, "evidence", name)
	if _, err := s.folder.Read(name, checkpoint.MaxNote); err == nil {
		return
	}
	if err := s.folder.Replace(name, []byte(signed(n))); err != nil {
		s.o.Log.Error("the evidence cannot be kept", "error", err, "checkpoint", signed(n))
	}
}

// signed is a note with the signatures that verified.
func signed(n *note.Note) string {
	var b strings.Builder
	b.WriteString(n.Text + "\n")
	for _, sig := range n.Sigs {
		fmt.Fprintf(&b, "— %s %s\n", sig.Name, sig.Base64)
	}
	return b.String()
}
