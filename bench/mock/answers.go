package main

import "fmt"

var openaiAnswer = []byte(`{"id":"chatcmpl-BENCH0000000000000000000000001","object":"chat.completion","created":1764000000,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"The quick brown fox jumps over the lazy dog while the gateway forwards this answer without changing a single byte of what it says.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":24,"completion_tokens":28,"total_tokens":52,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp_bench"}`)

var anthropicAnswer = []byte(`{"id":"msg_bench01","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":"The quick brown fox jumps over the lazy dog while the gateway forwards this answer without changing a single byte of what it says."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":24,"output_tokens":28,"cache_creation_input_tokens":0,"cache_read_input_tokens":0}}`)

// What each dialect's callers are listed: a gateway that finds a model on both would choose one by itself.
var models = []byte(`{"object":"list","data":[{"id":"gpt-4o-mini","object":"model","created":1764000000,"owned_by":"openai"},{"id":"gpt-4o-mini-d20","object":"model","created":1764000000,"owned_by":"openai"}]}`)
var claudeModels = []byte(`{"data":[{"type":"model","id":"claude-sonnet-4-5","display_name":"Claude","created_at":"2025-09-29T00:00:00Z"},{"type":"model","id":"claude-sonnet-4-5-d20","display_name":"Claude","created_at":"2025-09-29T00:00:00Z"}],"has_more":false}`)

const openaiHead = `data: {"id":"chatcmpl-BENCH0000000000000000000000001","object":"chat.completion.chunk","created":1764000000,"model":"gpt-4o-mini","service_tier":"default","system_fingerprint":"fp_bench","choices":[`

var (
	openaiFirst  = []byte(openaiHead + `{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}` + "\n\n")
	openaiDeltas = texts(func(i int) string {
		return openaiHead + fmt.Sprintf(`{"index":0,"delta":{"content":" tok%04d"},"logprobs":null,"finish_reason":null}]}`, i) + "\n\n"
	})
	openaiStop  = []byte(openaiHead + `{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}` + "\n\n")
	openaiUsage = []byte(openaiHead + `],"usage":{"prompt_tokens":24,"completion_tokens":64,"total_tokens":88}}` + "\n\n")
	openaiDone  = []byte("data: [DONE]\n\n")
)

var (
	anthropicFirst = [][]byte{
		named("message_start", `{"type":"message_start","message":{"id":"msg_bench01","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":24,"output_tokens":1}}}`),
		named("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
		named("ping", `{"type":"ping"}`),
	}
	anthropicDeltas = texts(func(i int) string {
		return string(named("content_block_delta", fmt.Sprintf(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" tok%04d"}}`, i)))
	})
	anthropicLast = [][]byte{
		named("content_block_stop", `{"type":"content_block_stop","index":0}`),
		named("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":64}}`),
		named("message_stop", `{"type":"message_stop"}`),
	}
)

func named(event, data string) []byte {
	return []byte("event: " + event + "\ndata: " + data + "\n\n")
}

// texts are made once: a stream copies them.
func texts(text func(i int) string) (made [][]byte) {
	for i := range 4096 {
		made = append(made, []byte(text(i)))
	}
	return
}
