// Go's own reverse proxy, as a peer of the benchmark: UP is the provider's origin, ADDR where it listens.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

func main() {
	up, err := url.Parse(os.Getenv("UP"))
	if err != nil {
		log.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(up)
			r.Out.Header.Set("Authorization", "Bearer sk-bench")
		},
		// Events go on as they come.
		FlushInterval: -1,
		Transport:     &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 1024, IdleConnTimeout: time.Minute},
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		// Without this a provider that answers at once cuts one stream in ten: the server closes the request's body at
		// the first byte of the answer, while the transport has still to read that it is at its end.
		http.NewResponseController(w).EnableFullDuplex()
		proxy.ServeHTTP(w, r)
	}
	log.Fatal(http.ListenAndServe(os.Getenv("ADDR"), http.HandlerFunc(handler)))
}
