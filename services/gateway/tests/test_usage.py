"""What was used of a budget, over HTTP; and what somebody hears whose budget is used up."""

from shared.errors import BudgetExhausted


async def test_the_usage_of_today_is_shown_with_what_is_left(ana, bob):
    shown = (await ana.get("/api/v1/usage")).json()
    assert shown == {
        "date": "2026-01-01",
        "timezone": "UTC",
        "resetsAt": "2026-01-02T00:00:00Z",
        "tokens": {"used": 300, "reserved": 50, "limit": 1000, "left": 650},
        "cost": {"used": 0.5, "reserved": 0, "limit": None, "left": None, "currency": "USD"},
        "models": [{"model": "m", "answers": 1, "promptTokens": 200, "completionTokens": 100, "cost": 0.5}],
    }
    assert (await bob.get("/api/v1/usage")).json()["models"] == []


async def test_s13_whose_budget_is_used_up_hears_when_to_come_back(ana, gateway):
    gateway.memory.failing = BudgetExhausted(retry_after=3600.4, resetsAt="2026-01-02T00:00:00Z")
    response = await ana.post("/api/v1/message", json={"text": "hello"})
    assert (response.status_code, response.headers["retry-after"]) == (429, "3601")
    error = response.json()["error"]
    assert (error["code"], error["resetsAt"]) == ("budget_exhausted", "2026-01-02T00:00:00Z")
    response = await ana.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "hello"}]})
    assert (response.status_code, response.json()["error"]["code"]) == (429, "budget_exhausted")
