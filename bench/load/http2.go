package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

func (w *worker) overHTTP2(start time.Time) (sample, error) {
	ctx, cancel := context.WithTimeout(w.run.ended, *timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, *method, *target, bytes.NewReader(w.payload))
	if err != nil {
		return sample{}, err
	}
	for _, h := range hdrs {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, strings.Replace(strings.TrimSpace(value), unique, nextNumber(), 1))
	}
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := w.client.Do(req)
	if err != nil {
		return sample{}, err
	}
	defer res.Body.Close()
	if err := w.readAll(res.Body); err != nil {
		return sample{}, err
	}
	if res.StatusCode != 200 {
		return sample{}, fmt.Errorf("status %d", res.StatusCode)
	}
	if answered := res.Header.Get("Content-Type"); answered == "application/grpc" || strings.HasPrefix(answered, "application/grpc+") {
		status := res.Trailer.Get("Grpc-Status")
		if status == "" {
			status = res.Header.Get("Grpc-Status") // an answer that is an error alone
		}
		if status != "0" {
			return sample{}, errors.New("grpc-status " + status)
		}
		w.sk.ended = true
	}
	return w.finish(start, time.Now())
}

func (w *worker) readAll(body io.Reader) error {
	buf := make([]byte, 16<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			w.sk.feed(buf[:n])
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
