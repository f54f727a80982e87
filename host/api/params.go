package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Bounds of a query.
const (
	maxQueryBytes = 16 << 10
	maxValues     = 100       // of one filter
	maxSafe       = 1<<53 - 1 // largest integer that JSON carries everywhere
)

// knownParameters refuses a query that is malformed or has a name that the
// endpoint does not know.
func (s *Server) knownParameters(r *http.Request, known []string) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	if len(r.URL.RawQuery) > maxQueryBytes {
		return &code.Error{Code: code.InvalidParameter, Detail: fmt.Sprintf("the query is longer than %d bytes", maxQueryBytes)}
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &code.Error{Code: code.InvalidParameter, Detail: "the query is malformed"}
	}
	for name, values := range q {
		if !slices.Contains(known, name) {
			return &code.Error{Code: code.UnknownParameter, Detail: fmt.Sprintf("there is no parameter %s here", quoted(name))}
		}
		for _, v := range values {
			if v == "" || !utf8.ValidString(v) {
				return &code.Error{Code: code.InvalidParameter, Detail: fmt.Sprintf("%s has an empty or malformed value", name)}
			}
		}
	}
	return nil
}

// quoted makes a client's text fit for a message.
func quoted(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return strconv.QuoteToASCII(s)
}

// parameters is a query that knownParameters passed.
type parameters struct{ url.Values }

func parametersOf(r *http.Request) parameters {
	if r.URL.RawQuery == "" {
		return parameters{}
	}
	q, _ := url.ParseQuery(r.URL.RawQuery) // parsed once before
	return parameters{q}
}

func invalid(name, must string) error {
	return &code.Error{Code: code.InvalidParameter, Detail: name + " must be " + must}
}

// one returns the value of a parameter that may be given once.
func (p parameters) one(name string) (value string, given bool, err error) {
	v := p.Values[name]
	switch len(v) {
	case 0:
		return "", false, nil
	case 1:
		return v[0], true, nil
	}
	return "", false, invalid(name, "given once")
}

// choice returns one of the words, the first when the parameter is absent.
func (p parameters) choice(name string, words ...string) (string, error) {
	v, given, err := p.one(name)
	if err != nil || !given {
		return words[0], err
	}
	if !slices.Contains(words, v) {
		return "", invalid(name, fmt.Sprintf("one of %q", words))
	}
	return v, nil
}

// number returns an integer in low … high in plain digits, def when absent.
func (p parameters) number(name string, def, low, high uint64) (uint64, error) {
	v, given, err := p.one(name)
	if err != nil || !given {
		return def, err
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil || n < low || n > high || v[0] == '+' {
		return 0, invalid(name, fmt.Sprintf("an integer from %d to %d", low, high))
	}
	return n, nil
}

// many returns the values of a filter.
func (p parameters) many(name string) ([]string, error) {
	v := p.Values[name]
	if len(v) > maxValues {
		return nil, invalid(name, fmt.Sprintf("given at most %d times", maxValues))
	}
	return v, nil
}

// pathHash reads the hash in the path. Anything else there is nothing that
// could be found.
func pathHash(r *http.Request) (digest.Hash, error) {
	h, ok := digest.ParseHash(r.PathValue("hash"))
	if !ok {
		return h, &code.Error{Code: code.InvalidParameter, Detail: "an event's hash is 64 lower-case hex digits"}
	}
	return h, nil
}
