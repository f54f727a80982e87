package limit

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/eventseal/eventseal/wasm/code"
)

// Addresses says how much is taken from where.
type Addresses struct {
	Rate *Limiter[netip.Prefix]
	// Proxies are those whose X-Forwarded-For is believed: the client is the last
	// address in it that is none of theirs.
	Proxies []netip.Prefix
}

// Permit refuses one more event of a request's client with code.RateLimited.
func (a *Addresses) Permit(r *http.Request) error {
	if a == nil || a.Rate == nil || a.Rate.Take(a.client(r)) {
		return nil
	}
	return &code.Error{Code: code.RateLimited, Detail: "too many events from this address"}
}

// client returns the network that is counted as one: of IPv4 a single address,
// of IPv6 a /64, which is what one customer has. The zero prefix stands for
// whatever is not an address.
func (a *Addresses) client(r *http.Request) netip.Prefix {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Prefix{}
	}
	addr := at.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0 && a.proxy(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // the proxy itself is to blame
		}
		addr = hop.Unmap()
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.WithZone("").Prefix(bits) // the bits fit
	return p
}

func (a *Addresses) proxy(addr netip.Addr) bool {
	for _, p := range a.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
