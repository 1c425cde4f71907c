// Command go-pgx is net/http with pgx's pool, as its documentation shows it: pgx prepares and caches statements itself.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	columns    = "id, email, name, phone, title, department, status, created_at, updated_at"
	selectUser = "SELECT " + columns + " FROM users WHERE id = $1"
	listUsers  = "SELECT " + columns + " FROM users ORDER BY created_at, id LIMIT $1"
	insertUser = `INSERT INTO users (id, email, email_key, name, name_key, phone, title, department, status,
		search_grams, row_version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, array_to_tsvector($10::text[]), 1, now(), now()) RETURNING ` + columns
	updateUser = `UPDATE users SET email = $2, email_key = $3, name = $4, name_key = $5, phone = $6, title = $7,
		department = $8, status = $9, search_grams = array_to_tsvector($10::text[]), row_version = row_version + 1,
		updated_at = now() WHERE id = $1 RETURNING ` + columns
	uniqueViolation = "23505"
	maxConnections  = 16
	bodyLimit       = 64 << 10
)

type user struct {
	ID         uuid.UUID `json:"id"`
	Email      string    `json:"email"`
	Name       string    `json:"name"`
	Phone      *string   `json:"phone"`
	Title      *string   `json:"title"`
	Department *string   `json:"department"`
	Status     string    `json:"status"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

type profile struct {
	Email      string  `json:"email"`
	Name       string  `json:"name"`
	Phone      *string `json:"phone"`
	Title      *string `json:"title"`
	Department *string `json:"department"`
	Status     string  `json:"status"`
}

type server struct{ pool *pgxpool.Pool }

func main() {
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = maxConnections
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	s := server{pool}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/users/{id}", s.read)
	mux.HandleFunc("PUT /v1/users/{id}", s.replace)
	mux.HandleFunc("GET /v1/users", s.list)
	mux.HandleFunc("POST /v1/users", s.create)
	listen := os.Getenv("LISTEN")
	if listen == "" {
		listen = "127.0.0.1:8080"
	}
	log.Fatal(http.ListenAndServe(listen, mux))
}

func (s server) read(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	found, err := scan(s.pool.QueryRow(r.Context(), selectUser, id))
	answer(w, http.StatusOK, found, err)
}

func (s server) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > 200 {
		limit = 50
	}
	rows, err := s.pool.Query(r.Context(), listUsers, limit)
	if err != nil {
		answer(w, http.StatusOK, nil, err)
		return
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (user, error) { return scan(row) })
	answer(w, http.StatusOK, map[string]any{"items": items}, err)
}

func (s server) create(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.NewV7()
	if err != nil {
		answer(w, http.StatusCreated, nil, err)
		return
	}
	s.change(w, r, insertUser, http.StatusCreated, id)
}

func (s server) replace(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.change(w, r, updateUser, http.StatusOK, id)
}

func (s server) change(w http.ResponseWriter, r *http.Request, statement string, status int, id uuid.UUID) {
	p := profile{Status: "active"}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyLimit)).Decode(&p); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !strings.Contains(p.Email, "@") || strings.TrimSpace(p.Name) == "" {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	emailKey, nameKey := strings.ToLower(p.Email), strings.ToLower(p.Name)
	changed, err := scan(s.pool.QueryRow(r.Context(), statement, id, p.Email, emailKey, p.Name, nameKey, p.Phone,
		p.Title, p.Department, p.Status, grams(nameKey, emailKey)))
	answer(w, status, changed, err)
}

// grams is what the search index holds: every run of three characters, and the last two.
func grams(keys ...string) []string {
	var all []string
	for _, key := range keys {
		runes := []rune(key)
		for i := 0; i+3 <= len(runes); i++ {
			all = append(all, string(runes[i:i+3]))
		}
		all = append(all, string(runes[max(0, len(runes)-2):]))
	}
	return all
}

func scan(row pgx.Row) (u user, err error) {
	err = row.Scan(&u.ID, &u.Email, &u.Name, &u.Phone, &u.Title, &u.Department, &u.Status, &u.CreatedAt, &u.UpdatedAt)
	return u, err
}

func answer(w http.ResponseWriter, status int, body any, err error) {
	var database *pgconn.PgError
	switch {
	case err == nil:
	case errors.Is(err, pgx.ErrNoRows):
		w.WriteHeader(http.StatusNotFound)
		return
	case errors.As(err, &database) && database.Code == uniqueViolation:
		w.WriteHeader(http.StatusConflict)
		return
	default:
		log.Print(err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		log.Print(err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(encoded)))
	w.WriteHeader(status)
	_, _ = w.Write(encoded)
}
