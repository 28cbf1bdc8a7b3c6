import os, signal, pytest
@pytest.mark.parametrize("n", range(4))
def test_a(database, n):
    print(database.client.address)
    if n == 1:
        os.kill(os.getpid(), signal.SIGKILL)
