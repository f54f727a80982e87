package log

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/module"
)

// A Key is what a host signs with: heads by its Ed25519 half, heads and receipts
// by its K1 half.
type Key struct {
	module  *module.Pool
	ed25519 ed25519.PrivateKey
	private []byte // PVT_K1_…
	public  string // PUB_K1_…
	point   [33]byte
}

// keyFile is a host key's file, one line.
type keyFile struct {
	Version int    `json:"eventseal_host_key"`
	K1      string `json:"k1"`
	Ed25519 []byte `json:"ed25519"` // the seed, in base64
}

const maxKeyFile = 4 << 10

// MakeKey returns the text of a new key file. Whoever has it signs as the host.
func MakeKey(ctx context.Context, m *module.Pool) ([]byte, error) {
	k, err := m.GenerateKey(ctx, "K1")
	if err != nil {
		return nil, err
	}
	defer k.Wipe()
	var seed [ed25519.SeedSize]byte
	rand.Read(seed[:])
	defer clear(seed[:])
	// By hand: the encoder would leave copies behind that nobody could wipe.
	text := make([]byte, 0, 256)
	text = append(text, `{"eventseal_host_key":1,"k1":"`...)
	text = append(text, k.Private...)
	text = append(text, `","ed25519":"`...)
	text = base64.StdEncoding.AppendEncode(text, seed[:])
	return append(text, "\"}\n"...), nil
}

// ParseKey reads the text of a key file. Errors do not hold any of it.
func ParseKey(ctx context.Context, m *module.Pool, text []byte) (*Key, error) {
	var f keyFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if d.Decode(&f) != nil || d.More() || f.Version != 1 || len(f.Ed25519) != ed25519.SeedSize {
		return nil, errors.New(`it is no host key: {"eventseal_host_key":1,"k1":"PVT_K1_…","ed25519":"…"}; eventseal keygen --host makes one`)
	}
	defer clear(f.Ed25519)
	pair, err := m.ParsePrivate(ctx, []byte(f.K1))
	if err != nil {
		return nil, fmt.Errorf("its k1: %w", err)
	}
	if pair.Curve != "K1" {
		pair.Wipe()
		return nil, errors.New("its k1 is a key of another curve")
	}
	key, _, err := m.ParsePublic(ctx, pair.Public)
	if err != nil {
		return nil, err
	}
	return &Key{
		module: m, ed25519: ed25519.NewKeyFromSeed(f.Ed25519),
		private: pair.Private, public: pair.Public, point: [33]byte(key[1:]),
	}, nil
}

// LoadKey reads a key file.
func LoadKey(ctx context.Context, m *module.Pool, path string) (*Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("%s is too large for a key file", path)
	}
	k, err := ParseKey(ctx, m, text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// EnsureKey is LoadKey, and makes the file, readable by its owner alone, where
// there is none. It is on the disk when made is true.
func EnsureKey(ctx context.Context, m *module.Pool, path string) (k *Key, made bool, err error) {
	if k, err = LoadKey(ctx, m, path); !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	text, err := MakeKey(ctx, m)
	if err != nil {
		return nil, false, err
	}
	defer clear(text)
	if err := durable.MakeFolder(filepath.Dir(path)); err != nil {
		return nil, false, err
	}
	if err := durable.Replace(path, text); err != nil {
		return nil, false, err
	}
	k, err = LoadKey(ctx, m, path)
	return k, true, err
}

// Public returns the K1 half's public key, PUB_K1_….
func (k *Key) Public() string { return k.public }

// Private returns the K1 half's private key, which the caller must not change.
func (k *Key) Private() []byte { return k.private }

// Log returns the key that signs heads of a log of this origin (vkey).
func (k *Key) Log(origin string) checkpoint.Key {
	return checkpoint.Key{Name: origin, Kind: checkpoint.Ed25519, Raw: k.ed25519.Public().(ed25519.PublicKey)}
}

// K1 returns the key of the head's other line, which signs receipts, too.
func (k *Key) K1(origin string) checkpoint.Key {
	return checkpoint.Key{Name: origin, Kind: checkpoint.K1, Raw: k.point[:]}
}

// sign returns the signed note of a head.
func (k *Key) sign(ctx context.Context, c checkpoint.Checkpoint) ([]byte, error) {
	ed := signer{k.Log(c.Origin), func(text []byte) ([]byte, error) { return ed25519.Sign(k.ed25519, text), nil }}
	k1 := signer{k.K1(c.Origin), func(text []byte) ([]byte, error) {
		s, err := k.module.SignDigest(ctx, sha256.Sum256(text), k.private)
		if err != nil {
			return nil, err
		}
		_, compact, err := k.module.ParseSignature(ctx, s)
		return compact[:], err
	}}
	return note.Sign(&note.Note{Text: c.Text()}, ed, k1)
}

type signer struct {
	key  checkpoint.Key
	sign func([]byte) ([]byte, error)
}

func (s signer) Name() string                     { return s.key.Name }
func (s signer) KeyHash() uint32                  { return s.key.ID() }
func (s signer) Sign(text []byte) ([]byte, error) { return s.sign(text) }

var errForeign = errors.New("log: not a head by this host's key")

// Open reads a signed head of any log of this key, whose Ed25519 line decides.
func (k *Key) Open(signed []byte) (c checkpoint.Checkpoint, err error) {
	if len(signed) > checkpoint.MaxNote {
		return c, errForeign
	}
	text, _, ok := bytes.Cut(signed, []byte("\n\n"))
	if !ok {
		return c, errForeign
	}
	if c, err = checkpoint.ParseText(string(text) + "\n"); err != nil {
		return c, errForeign
	}
	v, err := note.NewVerifier(k.Log(c.Origin).String())
	if err != nil {
		return c, errForeign
	}
	if _, err := note.Open(signed, note.VerifierList(v)); err != nil {
		return c, errForeign
	}
	return c, nil
}

// logName returns the name of the log that an origin has at its end; "" where
// it is no origin of a host's log.
func logName(origin string) string {
	i := strings.LastIndex(origin, originPart)
	if i < 0 || !isName(origin[i+len(originPart):]) {
		return ""
	}
	return origin[i+len(originPart):]
}

// originPart stands between the host's public name and the log's.
const originPart = "/log/"

func isName(s string) bool {
	return len(s) == 16 && strings.Trim(s, "0123456789abcdef") == ""
}
