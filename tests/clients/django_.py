"""Django: migrations, models, queries."""

import os
import sys
import tempfile
from pathlib import Path

from check import DATABASE, HOST, PASSWORD, PORT, USER, check, run

folder = Path(tempfile.mkdtemp())
(folder / "shop" / "migrations").mkdir(parents=True)
(folder / "shop" / "__init__.py").write_text("")
(folder / "shop" / "migrations" / "__init__.py").write_text("")
(folder / "shop" / "models.py").write_text('''
from django.db import models

class Author(models.Model):
    name = models.CharField(max_length=50, unique=True)
    data = models.JSONField(default=dict)

class Book(models.Model):
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    title = models.TextField(db_index=True)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    sold = models.DateTimeField(null=True)
    tags = models.ManyToManyField("Tag")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(price__gte=0), name="shop_price")]
        indexes = [models.Index(fields=["author", "-price"], name="shop_by_price")]

class Tag(models.Model):
    name = models.SlugField(unique=True)
''')
sys.path.insert(0, str(folder))

import django
from django.conf import settings

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "shop"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": DATABASE, "USER": USER, "PASSWORD": PASSWORD,
                           "HOST": HOST, "PORT": PORT}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True,
)
django.setup()

from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone


@check
def migrations_run():
    call_command("makemigrations", "shop", verbosity=0)
    call_command("migrate", verbosity=0)
    assert "shop_book" in connection.introspection.table_names()


@check
def objects_round_trip():
    from shop.models import Author, Book, Tag
    Author.objects.all().delete()
    tags = [Tag.objects.get_or_create(name=name)[0] for name in ("red", "blue")]
    for n in range(10):
        author = Author.objects.create(name=f"a{n}", data={"n": n, "deep": {"x": [n]}})
        books = Book.objects.bulk_create([Book(author=author, title=f"t{n}-{m}", price=m) for m in range(5)])
        for book in books:
            book.tags.add(*tags[: n % 3])
    assert Book.objects.filter(author__name="a3", price__gt=2).count() == 2
    assert Author.objects.filter(data__deep__x__0=4).get().name == "a4"
    assert Author.objects.annotate(n=models.Count("books")).filter(n=5).count() == 10
    assert Book.objects.aggregate(models.Sum("price"))["price__sum"] == 100
    assert Book.objects.filter(tags__name="blue").distinct().count() == 15
    Book.objects.filter(price=0).update(sold=timezone.now(), price=models.F("price") + 1)
    assert Book.objects.filter(sold__year=timezone.now().year).count() == 10
    assert Author.objects.prefetch_related("books__tags").get(name="a2").books.count() == 5


@check
def integrity_and_transactions():
    from shop.models import Author, Book
    try:
        with transaction.atomic():
            Author.objects.create(name="a1")
        raise AssertionError("no error")
    except IntegrityError:
        pass
    try:
        with transaction.atomic():
            Book.objects.create(author=Author.objects.first(), title="x", price=-1)
        raise AssertionError("no error")
    except IntegrityError:
        pass
    with transaction.atomic():
        Author.objects.select_for_update().get(name="a1")


@check
def schema_changes():
    with connection.schema_editor() as editor:
        from shop.models import Author
        field = models.IntegerField(null=True, default=3)
        field.set_attributes_from_name("extra")
        editor.add_field(Author, field)
        editor.remove_field(Author, field)


@check
def inspectdb():
    from io import StringIO
    out = StringIO()
    call_command("inspectdb", "shop_book", stdout=out)
    assert "class ShopBook" in out.getvalue() and "DecimalField(max_digits=8, decimal_places=2)" in out.getvalue()


@check
def users():
    from django.contrib.auth.models import User
    User.objects.filter(username="ada").delete()
    user = User.objects.create_user("ada", "ada@example.org", "secret")
    assert user.check_password("secret") and not user.has_perm("shop.add_book")


run()
