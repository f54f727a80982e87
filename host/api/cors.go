package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/rs/cors"
)

// CORS says which pages may call the service from a browser. Without origins,
// none but its own may.
type CORS struct {
	Origins []string      // exact, such as https://app.example.com
	MaxAge  time.Duration // how long a browser may remember the answer to its preflight
}

func (c CORS) wrap(h http.Handler) http.Handler {
	if len(c.Origins) == 0 {
		return h // rs/cors would take none for all
	}
	return cors.New(cors.Options{
		// Compared by a function: a * in a list would be a pattern.
		AllowOriginVaryRequestFunc: func(_ *http.Request, origin string) (bool, []string) {
			return slices.Contains(c.Origins, origin), nil
		},
		AllowedMethods: []string{"GET", "HEAD", "POST"},
		AllowedHeaders: []string{"Content-Type", "Content-Encoding", "X-Request-Id", "Last-Event-Id", "If-None-Match", "Authorization"},
		ExposedHeaders: []string{"Etag", "Location", "Retry-After", "X-Content-Sha256", "X-Journal-Epoch", "X-Request-Id", "Content-Length"},
		MaxAge:         int(c.MaxAge / time.Second),
	}).Handler(h)
}
